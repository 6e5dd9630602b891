import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { EventField, EventValues } from '../query/event-fields';
import { EVENT_FIELDS, EVENT_SCHEMA_VERSION } from '../query/event-fields';

/** Bounds the memory of an export, and the size of the file's list of groups, which is written last. */
const GROUP_ROWS = 20_000;

const SCHEMA: SchemaElement[] = [{ name: 'events', num_children: EVENT_FIELDS.length }, ...EVENT_FIELDS.map(element)];

/** Apache Parquet, compressed with Snappy, in groups of rows. The version of the schema is in the file's key-value metadata. */
export async function* toParquet(
  pages: AsyncIterable<readonly EventValues[]>,
): AsyncGenerator<Buffer, void, undefined> {
  const bytes = new TakenBytes();
  const file = new ParquetWriter({
    writer: bytes,
    schema: SCHEMA,
    kvMetadata: [{ key: 'vaultaire.events.schema', value: String(EVENT_SCHEMA_VERSION) }],
    createdBy: 'vaultaire',
  });
  let rows: EventValues[] = [];
  const group = async (): Promise<Buffer> => {
    await file.write({
      columnData: EVENT_FIELDS.map((field, at) => ({
        name: field.name,
        data: rows.map((values) => parquetValue(field, values[at] ?? null)),
        offsetIndex: false,
      })),
      rowGroupSize: GROUP_ROWS,
    });
    rows = [];
    return bytes.take();
  };
  for await (const page of pages) {
    rows = rows.concat(page);
    if (rows.length >= GROUP_ROWS) yield await group();
  }
  if (rows.length > 0) yield await group();
  await file.finish();
  yield bytes.take();
}

/** What the library writes, handed on group by group. */
class TakenBytes extends ByteWriter {
  take(): Buffer {
    const taken = Buffer.from(this.buffer.slice(0, this.index));
    this.index = 0;
    return taken;
  }
}

function element({ name, type, isRequired }: EventField): SchemaElement {
  const base = { name, repetition_type: isRequired ? ('REQUIRED' as const) : ('OPTIONAL' as const) };
  switch (type) {
    case 'uuid':
    case 'text':
      return { ...base, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'time':
      return {
        ...base,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      };
    case 'integer':
      return { ...base, type: 'INT64' };
    case 'number':
      return { ...base, type: 'DOUBLE' };
  }
}

function parquetValue({ type }: EventField, value: EventValues[number]): unknown {
  return type === 'integer' && typeof value === 'number' ? BigInt(value) : value;
}
