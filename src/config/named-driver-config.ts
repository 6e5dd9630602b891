import { IsIn, Matches } from 'class-validator';

const DRIVER_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Any backend: what all kinds of driver have. Also stands for a kind that does not exist, to say so. */
export class NamedDriverConfig {
  @Matches(DRIVER_NAME, { message: '$property must be lower-case letters, digits and dashes, at most 32' })
  readonly name!: string;

  @IsIn(['local', 'memory', 's3', 'onedrive'])
  readonly type!: string;
}
