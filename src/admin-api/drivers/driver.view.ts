import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class DriverCapabilitiesView {
  @ApiProperty({ description: 'Copies without moving bytes through the gateway' })
  readonly canCopy!: boolean;

  @ApiProperty({ description: 'Blobs survive the end of the process' })
  readonly isDurable!: boolean;

  @ApiPropertyOptional({ description: 'Bytes of the largest blob; absent: no limit of its own' })
  readonly maxBlobBytes?: number;
}

export class DriverHealthView {
  @ApiProperty()
  readonly isHealthy!: boolean;

  @ApiProperty({ description: 'Milliseconds of writing, reading and deleting a probe blob', example: 2.5 })
  readonly latencyMs!: number;

  @ApiPropertyOptional({ description: 'Why it is not healthy' })
  readonly reason?: string;
}

/** A configured storage backend, as the process that answers sees it. */
export class DriverView {
  @ApiProperty({ example: 'local' })
  readonly name!: string;

  @ApiProperty({ example: 'local' })
  readonly type!: string;

  @ApiProperty({ description: 'New blobs go there' })
  readonly isDefault!: boolean;

  @ApiProperty()
  readonly capabilities!: DriverCapabilitiesView;

  @ApiProperty()
  readonly health!: DriverHealthView;
}
