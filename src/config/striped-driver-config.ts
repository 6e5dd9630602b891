import { ArrayMaxSize, ArrayMinSize, ArrayUnique, Equals, IsArray, IsInt, IsString, Max, Min } from 'class-validator';
import { NamedDriverConfig } from './named-driver-config';

/** Blobs laid over other drivers in chunks. */
export class StripedDriverConfig extends NamedDriverConfig {
  @Equals('striped')
  declare readonly type: 'striped';

  /** Names of the drivers, which then hold nothing else. Their order and number can't change once there are blobs. */
  @IsArray()
  @ArrayMinSize(2)
  @ArrayMaxSize(16)
  @ArrayUnique()
  @IsString({ each: true })
  readonly over!: string[];

  /** Bytes of a chunk. It can't change once there are blobs. */
  @IsInt()
  @Min(64 * 1024)
  @Max(4 * 1024 * 1024)
  readonly chunkBytes: number = 1024 * 1024;
}
