import { ApiProperty } from '@nestjs/swagger';

export class ServerEndpoints {
  @ApiProperty({ example: 'http://127.0.0.1:8080' })
  readonly s3!: string;

  @ApiProperty({ example: 'http://127.0.0.1:8081' })
  readonly admin!: string;

  @ApiProperty({ description: 'Host names below which buckets are addressed as `<bucket>.<domain>`', type: [String] })
  readonly s3Domains!: readonly string[];
}

export class ServerDatabase {
  @ApiProperty({ description: 'Version of PostgreSQL', example: '18.0' })
  readonly version!: string;

  @ApiProperty({ description: 'Bytes of the database on disk', example: 12_345_678 })
  readonly sizeBytes!: number;

  @ApiProperty({ description: 'Gateway processes on this database, on all machines', example: 4 })
  readonly gateways!: number;
}

/** The gateway that answers. */
export class ServerView {
  @ApiProperty({ description: 'Version of Vaultaire', example: '0.1.0' })
  readonly version!: string;

  @ApiProperty({ example: 'v24.11.0' })
  readonly nodeVersion!: string;

  @ApiProperty({ description: 'When the process that answers was started' })
  readonly startedAt!: Date;

  @ApiProperty({ description: 'Seconds since then', example: 86_400 })
  readonly uptimeSeconds!: number;

  @ApiProperty({ description: 'Processes of this gateway that serve', example: 4 })
  readonly workers!: number;

  @ApiProperty({ example: 'us-east-1' })
  readonly region!: string;

  @ApiProperty()
  readonly endpoints!: ServerEndpoints;

  @ApiProperty()
  readonly database!: ServerDatabase;
}
