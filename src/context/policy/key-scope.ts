import { ApiPropertyOptional } from '@nestjs/swagger';
import type { ValidationOptions } from 'class-validator';
import {
  ArrayMaxSize,
  ArrayMinSize,
  buildMessage,
  IsArray,
  Matches,
  MaxLength,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import ipaddr from 'ipaddr.js';

const MAX_ENTRIES = 100;
/** Longest key in characters; a prefix that is longer matches none. */
const MAX_PREFIX_LENGTH = 1024;
/** AWS's spelling of an operation, or a class of operations. */
const OPERATION = /^(?:read|write|list|admin|[A-Z][A-Za-z0-9]{2,63})$/;
const CONTAINER_PATTERN = /^[A-Za-z0-9._*?-]{1,255}$/;
const NOT_EMPTY_WITHOUT_NUL = /^[^\0]+$/;

/** Absent is no restriction; null would be read as one by some and as none by others. */
const whenGiven = (): PropertyDecorator => ValidateIf((_scope, value: unknown) => value !== undefined);

/** Holds that each is an address or a range of addresses in CIDR form. */
function AreNetworks(options: ValidationOptions = {}): PropertyDecorator {
  return ValidateBy(
    {
      name: 'areNetworks',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && parseNetwork(value) !== undefined,
        defaultMessage: buildMessage((each) => `${each}$property must be an address or a CIDR range`, options),
      },
    },
    { each: true, ...options },
  );
}

/**
 * What an access key is restricted to; absent: everything that its user may. All that are given must hold, and an empty
 * list lets nothing through.
 */
export class KeyScope {
  @ApiPropertyOptional({
    type: [String],
    description: 'Names of S3 operations, or classes of them: `read`, `write`, `list`, `admin`',
    example: ['read', 'list', 'PutObject'],
  })
  @whenGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @Matches(OPERATION, {
    each: true,
    message: 'each value in operations must be an S3 operation, or one of read, write, list, admin',
  })
  readonly operations?: readonly string[];

  @ApiPropertyOptional({
    type: [String],
    description: 'Names of containers; `*` stands for any characters, `?` for any one',
    example: ['photos', 'backup-*'],
  })
  @whenGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @Matches(CONTAINER_PATTERN, { each: true })
  readonly containers?: readonly string[];

  @ApiPropertyOptional({
    type: [String],
    description: 'Beginnings of keys. What concerns a container as a whole is refused then',
    example: ['incoming/'],
  })
  @whenGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @Matches(NOT_EMPTY_WITHOUT_NUL, { each: true })
  @MaxLength(MAX_PREFIX_LENGTH, { each: true })
  readonly prefixes?: readonly string[];

  @ApiPropertyOptional({
    type: [String],
    description: 'Addresses of clients: single ones, or ranges in CIDR form',
    example: ['192.0.2.0/24', '2001:db8::/32'],
  })
  @whenGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @AreNetworks()
  readonly networks?: readonly string[];
}

/** A range of addresses: the first `bits` of `address` count. */
export interface Network {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6;
  readonly bits: number;
}

/** An address (then all its bits count) or a CIDR range; undefined for anything else. IPv4 in its four decimal parts only. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  if (rest.length > 0 || !(ipaddr.IPv6.isValid(address) || ipaddr.IPv4.isValidFourPartDecimal(address)))
    return undefined;
  const parsed = ipaddr.parse(address);
  const maxBits = parsed.kind() === 'ipv4' ? 32 : 128;
  if (bits === undefined) return { address: parsed, bits: maxBits };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > maxBits) return undefined;
  return { address: parsed, bits: Number(bits) };
}

/** Whether `client` is an address of the range. An IPv4 address that is mapped into IPv6 counts as what it is. */
export function isInNetwork(client: string, { address, bits }: Network): boolean {
  if (!ipaddr.isValid(client)) return false;
  const parsed = ipaddr.process(client);
  return parsed.kind() === address.kind() && parsed.match(address, bits);
}
