import type {
  ArtifactPage,
  ListArtifacts,
  ListedArtifact,
  ListedOwner,
  VersionPage,
} from '../../engine/listing/listing.types';
import { toContinuationToken } from '../headers/continuation-token';
import { escapeXml, S3_XML_NAMESPACE, XML_DECLARATION } from '../xml/xml-writer';

/*
 * Pages are written by concatenation rather than as elements: a bucket of a million keys is a thousand pages of a
 * thousand keys, and this is where their time goes.
 */

/** Turns a key, prefix, delimiter or marker into the text between its tags. */
export type TextEncoder = (text: string) => string;

/** What the client asked for, as the page repeats it. */
export interface ListingEcho extends Pick<
  ListArtifacts,
  'container' | 'prefix' | 'delimiter' | 'maxKeys' | 'hasRestores'
> {
  readonly isUrlEncoded: boolean;
}

const NEEDS_URL_ENCODING = /[^A-Za-z0-9\-_.~/]/;

/** Percent-encoding of `encoding-type=url`: UTF-8, `/` stays, a space is `%20`. */
export function encodeForUrl(text: string): string {
  return NEEDS_URL_ENCODING.test(text) ? encodeURIComponent(text.toWellFormed()).replaceAll('%2F', '/') : text;
}

/** The encoder that `encoding-type` chooses. */
export function encoderOf(isUrlEncoded: boolean): TextEncoder {
  return isUrlEncoded ? encodeForUrl : escapeXml;
}

/** `ListBucketResult` of ListObjects. `NextMarker` is only told with a delimiter, as S3 does. */
export function writeListObjects(page: ArtifactPage, echo: ListingEcho, marker: string): string {
  const encode = encoderOf(echo.isUrlEncoded);
  const nextMarker = echo.delimiter === '' ? undefined : page.nextAfter;
  return (
    `${XML_DECLARATION}<ListBucketResult xmlns="${S3_XML_NAMESPACE}">` +
    head(echo, encode) +
    `<Marker>${encode(marker)}</Marker>` +
    (nextMarker === undefined ? '' : `<NextMarker>${encode(nextMarker)}</NextMarker>`) +
    tail(echo, encode, page.isTruncated) +
    contents(page.artifacts, encode, true) +
    commonPrefixes(page.commonPrefixes, encode) +
    '</ListBucketResult>'
  );
}

/** `ListBucketResult` of ListObjectsV2. */
export function writeListObjectsV2(
  page: ArtifactPage,
  echo: ListingEcho,
  request: {
    readonly continuationToken: string | undefined;
    readonly startAfter: string | undefined;
    readonly hasOwner: boolean;
  },
): string {
  const encode = encoderOf(echo.isUrlEncoded);
  const { continuationToken, startAfter } = request;
  return (
    `${XML_DECLARATION}<ListBucketResult xmlns="${S3_XML_NAMESPACE}">` +
    head(echo, encode) +
    (startAfter === undefined ? '' : `<StartAfter>${encode(startAfter)}</StartAfter>`) +
    (continuationToken === undefined ? '' : `<ContinuationToken>${escapeXml(continuationToken)}</ContinuationToken>`) +
    (page.nextAfter === undefined
      ? ''
      : `<NextContinuationToken>${toContinuationToken(page.nextAfter)}</NextContinuationToken>`) +
    `<KeyCount>${String(page.artifacts.length + page.commonPrefixes.length)}</KeyCount>` +
    tail(echo, encode, page.isTruncated) +
    contents(page.artifacts, encode, request.hasOwner) +
    commonPrefixes(page.commonPrefixes, encode) +
    '</ListBucketResult>'
  );
}

/** `ListVersionsResult` of ListObjectVersions. */
export function writeListVersions(
  page: VersionPage,
  echo: ListingEcho,
  request: { readonly keyMarker: string; readonly versionIdMarker: string | undefined },
): string {
  const encode = encoderOf(echo.isUrlEncoded);
  let xml =
    `${XML_DECLARATION}<ListVersionsResult xmlns="${S3_XML_NAMESPACE}">` +
    head(echo, encode) +
    `<KeyMarker>${encode(request.keyMarker)}</KeyMarker>` +
    `<VersionIdMarker>${escapeXml(request.versionIdMarker ?? '')}</VersionIdMarker>` +
    (page.nextKeyMarker === undefined ? '' : `<NextKeyMarker>${encode(page.nextKeyMarker)}</NextKeyMarker>`) +
    (page.nextVersionIdMarker === undefined
      ? ''
      : `<NextVersionIdMarker>${page.nextVersionIdMarker}</NextVersionIdMarker>`) +
    tail(echo, encode, page.isTruncated);
  const owners = new OwnerText();
  for (const version of page.versions) {
    const about =
      `<Key>${encode(version.key)}</Key><VersionId>${version.versionId}</VersionId>` +
      `<IsLatest>${String(version.isLatest)}</IsLatest>`;
    xml += version.isDeleteMarker
      ? `<DeleteMarker>${about}<LastModified>${version.lastModified.toISOString()}</LastModified>` +
        `${owners.of(version.owner)}</DeleteMarker>`
      : `<Version>${about}${describe(version)}${owners.of(version.owner)}</Version>`;
  }
  return `${xml}${commonPrefixes(page.commonPrefixes, encode)}</ListVersionsResult>`;
}

function head(echo: ListingEcho, encode: TextEncoder): string {
  return `<Name>${echo.container}</Name><Prefix>${encode(echo.prefix)}</Prefix>`;
}

function tail(echo: ListingEcho, encode: TextEncoder, isTruncated: boolean): string {
  return (
    `<MaxKeys>${String(echo.maxKeys)}</MaxKeys>` +
    (echo.delimiter === '' ? '' : `<Delimiter>${encode(echo.delimiter)}</Delimiter>`) +
    (echo.isUrlEncoded ? '<EncodingType>url</EncodingType>' : '') +
    `<IsTruncated>${String(isTruncated)}</IsTruncated>`
  );
}

function contents(artifacts: readonly ListedArtifact[], encode: TextEncoder, hasOwner: boolean): string {
  const owners = new OwnerText();
  let xml = '';
  for (const artifact of artifacts) {
    xml +=
      `<Contents><Key>${encode(artifact.key)}</Key>${describe(artifact)}` +
      `${hasOwner ? owners.of(artifact.owner) : ''}</Contents>`;
  }
  return xml;
}

function describe(artifact: ListedArtifact): string {
  const { checksumAlgorithm, checksumType, restore } = artifact;
  return (
    `<LastModified>${artifact.lastModified.toISOString()}</LastModified><ETag>&quot;${artifact.etag}&quot;</ETag>` +
    (checksumAlgorithm === undefined ? '' : `<ChecksumAlgorithm>${checksumAlgorithm}</ChecksumAlgorithm>`) +
    (checksumType === undefined ? '' : `<ChecksumType>${checksumType}</ChecksumType>`) +
    `<Size>${String(artifact.sizeBytes)}</Size><StorageClass>${artifact.storageClass}</StorageClass>` +
    (restore === undefined ? '' : restoreStatus(restore))
  );
}

function restoreStatus(restore: NonNullable<ListedArtifact['restore']>): string {
  return (
    `<RestoreStatus><IsRestoreInProgress>${String(restore.isOngoing)}</IsRestoreInProgress>` +
    (restore.isOngoing ? '' : `<RestoreExpiryDate>${restore.expiresAt.toISOString()}</RestoreExpiryDate>`) +
    '</RestoreStatus>'
  );
}

function commonPrefixes(prefixes: readonly string[], encode: TextEncoder): string {
  let xml = '';
  for (const prefix of prefixes) xml += `<CommonPrefixes><Prefix>${encode(prefix)}</Prefix></CommonPrefixes>`;
  return xml;
}

/** Nearly every page has one owner: it is written once. */
class OwnerText {
  private owner: ListedOwner | undefined;
  private xml = '';

  of(owner: ListedOwner): string {
    if (owner !== this.owner) {
      this.owner = owner;
      this.xml = `<Owner><ID>${escapeXml(owner.canonicalId)}</ID><DisplayName>${escapeXml(owner.displayName)}</DisplayName></Owner>`;
    }
    return this.xml;
  }
}
