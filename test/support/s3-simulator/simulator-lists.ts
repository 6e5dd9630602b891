import { escapeXml, xmlAnswer } from './simulator-answers';
import type { SimulatedAnswer } from './simulator-answers';
import type { SimulatedStore } from './simulated-store';

/** ListObjects of either version. */
export function listObjects(store: SimulatedStore, query: URLSearchParams, maxKeysPerPage: number): SimulatedAnswer {
  const isV2 = query.get('list-type') === '2';
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = (isV2 ? (token === null ? query.get('start-after') : decoded(token)) : query.get('marker')) ?? '';
  const keys = [...store.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, Math.min(Number(query.get('max-keys') ?? 1000), maxKeysPerPage));
  const isTruncated = page.length < keys.length;
  const contents = page.map((key) => {
    const object = store.objects.get(key);
    if (object === undefined) return '';
    return `<Contents><Key>${escapeXml(key)}</Key><LastModified>${object.modifiedAt.toISOString()}</LastModified><ETag>&quot;${object.etag}&quot;</ETag><Size>${String(object.bytes.length)}</Size></Contents>`;
  });
  const last = page.at(-1) ?? '';
  const next =
    isTruncated && isV2 ? `<NextContinuationToken>${Buffer.from(last).toString('base64')}</NextContinuationToken>` : '';
  return xmlAnswer(
    200,
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${String(isTruncated)}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
  );
}

export function listUploads(store: SimulatedStore, query: URLSearchParams, maxKeysPerPage: number): SimulatedAnswer {
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const uploads = [...store.uploads.values()]
    .filter(({ key, id }) => key.startsWith(prefix) && (key > keyMarker || (key === keyMarker && id > idMarker)))
    .sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key < b.key ? -1 : 1));
  const page = uploads.slice(0, Math.min(Number(query.get('max-uploads') ?? 1000), maxKeysPerPage));
  const isTruncated = page.length < uploads.length;
  const last = page.at(-1);
  const next =
    isTruncated && last !== undefined
      ? `<NextKeyMarker>${escapeXml(last.key)}</NextKeyMarker><NextUploadIdMarker>${last.id}</NextUploadIdMarker>`
      : '';
  const listed = page.map(
    ({ key, id, initiatedAt }) =>
      `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId><Initiated>${initiatedAt.toISOString()}</Initiated></Upload>`,
  );
  return xmlAnswer(
    200,
    `<ListMultipartUploadsResult><IsTruncated>${String(isTruncated)}</IsTruncated>${next}${listed.join('')}</ListMultipartUploadsResult>`,
  );
}

function decoded(token: string): string {
  return Buffer.from(token, 'base64').toString();
}
