import { applyDecorators } from '@nestjs/common';
import type { Type as Class } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { encodeCursor } from './cursor';

const MAX_PAGE_SIZE = 1000;

/** `?limit=&cursor=` of every list. Take it as `@Query() page: PageQuery`, or extend it by filters. */
export class PageQuery {
  @ApiPropertyOptional({ description: 'Items of the answer at most', minimum: 1, maximum: MAX_PAGE_SIZE, default: 100 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_SIZE)
  readonly limit: number = 100;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before; absent: the first page' })
  @IsOptional()
  @IsString()
  @MaxLength(4096)
  readonly cursor?: string;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; absent on the last one. */
  readonly nextCursor?: string;
}

/**
 * Makes a page of rows in order, of which one more than `limit` was asked for.
 *
 * @param placeOf the place of a row in the order, which the next page begins behind
 */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => unknown,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(toItem);
  return rows.length > limit && last !== undefined ? { items, nextCursor: encodeCursor(placeOf(last)) } : { items };
}

/** Documents the answer of a list. */
export function ApiPage(item: Class): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(item),
    ApiOkResponse({
      description: 'One page of the list',
      schema: {
        type: 'object',
        required: ['items'],
        properties: {
          items: { type: 'array', items: { $ref: getSchemaPath(item) } },
          nextCursor: { type: 'string', description: '`cursor` of the next page; absent on the last one' },
        },
      },
    }),
  );
}
