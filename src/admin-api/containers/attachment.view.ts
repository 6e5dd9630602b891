import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';

export class AttachContainer {
  @ApiProperty({ description: 'Name of an attachable source of the configuration', example: 'old-bucket' })
  @IsString()
  @MaxLength(32)
  readonly source!: string;

  @ApiPropertyOptional({
    default: false,
    description:
      'Objects of the source go with the artifacts that are made of them, when clients delete or overwrite these. Holds for ' +
      'the attachment from its beginning',
  })
  @IsOptional()
  @IsBoolean()
  readonly deleteForeignData: boolean = false;
}

/** A source that a container has. */
export class AttachmentView {
  @ApiProperty({ example: 'old-bucket' })
  readonly source!: string;

  @ApiProperty({ enum: ['attaching', 'attached', 'detaching'] })
  readonly state!: 'attaching' | 'attached' | 'detaching';

  @ApiProperty({ description: 'Objects of the source go with the artifacts that were made of them' })
  readonly deletesForeignData!: boolean;

  @ApiProperty({ description: 'Keys that were added to the container', example: 1_000_000 })
  readonly indexedKeys!: number;

  @ApiProperty({ example: 1_500_000_000 })
  readonly indexedBytes!: number;

  @ApiProperty({ description: 'Keys that were left out', example: 3 })
  readonly skippedKeys!: number;
}
