import fc from 'fast-check';
import { compareKeys } from '../../src/engine/listing/key-order';

/**
 * Few pieces, so that keys share prefixes and delimiters stand anywhere in them; code points on both sides of each boundary of
 * UTF-8 and of UTF-16, whose orders differ.
 */
const PIECES = [
  'a',
  'b',
  'ab',
  '/',
  '//',
  '-',
  ' ',
  '%',
  '\u0001',
  '\u007f',
  'é',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '𝔞',
  '\u{10ffff}',
];

const joined = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...PIECES), { minLength, maxLength }).map((pieces) => pieces.join(''));

/** PostgreSQL has no U+0000 in a text; the edge refuses such keys. */
const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).filter((text) => !text.includes('\u0000'));

export const key = fc.oneof({ arbitrary: joined(1, 5), weight: 8 }, { arbitrary: anyText, weight: 1 });
export const prefix = fc.oneof({ arbitrary: fc.constant(''), weight: 1 }, { arbitrary: joined(1, 3), weight: 2 });
export const delimiter = fc.oneof(
  { arbitrary: fc.constantFrom('', '/', '//', '/a', 'ab', '\u{10ffff}', '\u{10ffff}a', 'é/'), weight: 4 },
  { arbitrary: joined(1, 2), weight: 1 },
);
export const pageSize = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(10, 1000));

/** An entry of a listing: an item under its key, or a common prefix in place of all keys that begin with it. */
export type Entry<Item> = { readonly item: Item } | { readonly commonPrefix: string };

interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
}

/** What S3 lists of `items`, which come in the order of their keys: each common prefix once, in place of its first key. */
export function entriesOf<Item extends { readonly key: string }>(items: readonly Item[], asked: Asked): Entry<Item>[] {
  const entries: Entry<Item>[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    if (!item.key.startsWith(asked.prefix)) continue;
    const at = asked.delimiter === '' ? -1 : item.key.indexOf(asked.delimiter, asked.prefix.length);
    if (at === -1) {
      entries.push({ item });
      continue;
    }
    const commonPrefix = item.key.slice(0, at + asked.delimiter.length);
    if (!seen.has(commonPrefix)) entries.push({ commonPrefix });
    seen.add(commonPrefix);
  }
  return entries;
}

/** Entries whose key or common prefix is above `marker`. */
export function above<Item extends { readonly key: string }>(
  entries: readonly Entry<Item>[],
  marker: string,
): Entry<Item>[] {
  return entries.filter((entry) => compareKeys('item' in entry ? entry.item.key : entry.commonPrefix, marker) > 0);
}

export const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => compareKeys(a.key, b.key);

/**
 * The pages of a listing of `entries` that asks for `size` at a time, each as `show` tells its items and its common prefixes;
 * an empty listing has one page.
 */
export function pagesOf<Item>(
  entries: readonly Entry<Item>[],
  size: number,
  show: (item: Item) => string,
): ShownPage[] {
  const pages: ShownPage[] = [];
  for (let at = 0; at === 0 || at < entries.length; at += size) {
    const page = entries.slice(at, at + size);
    pages.push({
      items: page.flatMap((entry) => ('item' in entry ? [show(entry.item)] : [])),
      commonPrefixes: page.flatMap((entry) => ('item' in entry ? [] : [entry.commonPrefix])),
      isTruncated: at + size < entries.length,
    });
  }
  return pages;
}

/** A page as it is compared. */
export interface ShownPage {
  readonly items: readonly string[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
}
