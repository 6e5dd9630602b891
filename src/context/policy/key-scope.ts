/**
 * What an access key is restricted to; absent: everything that its user may. All that are given must hold.
 *
 * `operations`: names of S3 operations (`GetObject`) or of classes (`read`, `write`, `list`, `admin`). `containers`: names,
 * `*` and `?` stand for any characters and any one. `prefixes`: beginnings of keys. `networks`: client addresses in CIDR form.
 */
export interface KeyScope {
  readonly operations?: readonly string[];
  readonly containers?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly networks?: readonly string[];
}
