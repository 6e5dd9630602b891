import { IsArray, IsIn, Matches } from 'class-validator';

const DRIVER_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Any backend: what all kinds of driver have. Also stands for a kind that does not exist, to say so. */
export class NamedDriverConfig {
  @Matches(DRIVER_NAME, { message: '$property must be lower-case letters, digits and dashes, at most 32' })
  readonly name!: string;

  @IsIn(['local', 'memory', 's3', 'onedrive', 'striped'])
  readonly type!: string;

  /** What placements may ask for, as where the backend stands. */
  @IsArray()
  @Matches(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
    each: true,
    message: 'each value in $property must be lower-case letters, digits, dots, dashes or underscores',
  })
  readonly labels: string[] = [];
}
