import { ArtifactRemover } from '../../engine/artifacts/artifact-remover';
import { ArtifactWriter } from '../../engine/artifacts/artifact-writer';
import { ArtifactService } from '../../engine/artifacts/artifact.service';
import type { ArtifactRead, BatchDeleteResult, GetArtifact, IncomingBody } from '../../engine/artifacts/artifact.types';
import { deletionAccess } from '../auth/requested-access';
import { toS3Error } from '../errors/error-translation';
import { S3Error } from '../errors/s3-error';
import { wantsChecksums } from '../headers/checksum-headers';
import { deleteConditions, readConditions, writeConditions } from '../headers/conditions';
import { readRange } from '../headers/range';
import { applyOverrides, readHeaders, writtenHeaders } from '../headers/response-headers';
import { readWriteHeaders, refuseCustomerKey, toAttributes } from '../headers/write-headers';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { PayloadBody } from '../payload/payload-body.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import type { DeleteEntry } from './documents/delete.document';
import { DeleteDocument } from './documents/delete.document';
import { addressOf, bucketOf, callerOf, keyOf } from './request-target';
import { element, textElement, xmlResponse } from './xml-elements';

/** Objects: put, get, head, delete. */
@S3Controller()
export class ObjectController {
  constructor(
    private readonly artifacts: ArtifactService,
    private readonly writer: ArtifactWriter,
    private readonly remover: ArtifactRemover,
  ) {}

  /** All headers are checked before a byte of the body is read. Throws as `readWriteHeaders`. */
  @S3Operation('PutObject')
  async putObject(@S3Req() request: S3Request, @PayloadBody() body: IncomingBody): Promise<S3Response> {
    const { headers } = request.message;
    const attributes = toAttributes(readWriteHeaders(headers, callerOf(request).canonicalId));
    const conditions = writeConditions(headers);
    const written = await this.writer.put(request.ctx, {
      container: bucketOf(request),
      key: keyOf(request),
      attributes,
      conditions,
      body,
    });
    request.record.artifactBytes = written.sizeBytes;
    return { headers: writtenHeaders(written) };
  }

  @S3Operation('GetObject')
  async getObject(@S3Req() request: S3Request): Promise<S3Response> {
    const get = toGet(request);
    const hasChecksums = wantsChecksums(request.message.headers);
    const read = await this.artifacts.get(request.ctx, get);
    const { body } = read;
    try {
      const answer = toAnswer(request, get, read, hasChecksums);
      if (body === undefined) return answer;
      return {
        ...answer,
        body: Buffer.isBuffer(body) ? { kind: 'bytes', bytes: body } : { kind: 'stream', stream: body },
      };
    } catch (error) {
      if (body !== undefined && !Buffer.isBuffer(body)) body.destroy();
      throw error;
    }
  }

  @S3Operation('HeadObject')
  async headObject(@S3Req() request: S3Request): Promise<S3Response> {
    const get = toGet(request);
    const hasChecksums = wantsChecksums(request.message.headers);
    return toAnswer(request, get, await this.artifacts.head(request.ctx, get), hasChecksums);
  }

  /** A missing object is success. */
  @S3Operation('DeleteObject')
  async deleteObject(@S3Req() request: S3Request): Promise<S3Response> {
    const deleted = await this.remover.delete(request.ctx, {
      ...addressOf(request),
      conditions: deleteConditions(request.message.headers),
    });
    return {
      status: 204,
      headers: {
        'x-amz-version-id': deleted.versionId,
        'x-amz-delete-marker': deleted.isDeleteMarker ? 'true' : undefined,
      },
    };
  }

  /** Up to 1,000 keys; each succeeds or fails by itself in an answer of 200. */
  @S3Operation('DeleteObjects')
  async deleteObjects(
    @S3Req() request: S3Request,
    @XmlBody(DeleteDocument) document: DeleteDocument,
  ): Promise<S3Response> {
    const { allowed, refused } = withinScope(request, document.entries);
    const results = allowed.length === 0 ? [] : await this.remover.deleteMany(request.ctx, bucketOf(request), allowed);
    return xmlResponse(
      element(
        'DeleteResult',
        [...results, ...refused].map((result) => deleteResultElement(request, result, document.isQuiet)),
      ),
    );
  }
}

/** The scope of an access key goes for each of the keys. */
function withinScope(
  request: S3Request,
  entries: readonly DeleteEntry[],
): { readonly allowed: readonly DeleteEntry[]; readonly refused: readonly BatchDeleteResult[] } {
  const scope = request.identity?.scope;
  if (scope === undefined) return { allowed: entries, refused: [] };
  const client = request.record.remoteAddress;
  const allowed: DeleteEntry[] = [];
  const refused: BatchDeleteResult[] = [];
  for (const entry of entries) {
    if (scope.allows(deletionAccess(request, entry), client)) allowed.push(entry);
    else {
      const { key, versionId } = entry;
      refused.push({ key, versionId, deleted: undefined, error: new S3Error('AccessDenied') });
    }
  }
  return { allowed, refused };
}

function toGet(request: S3Request): GetArtifact {
  const { headers } = request.message;
  refuseCustomerKey(headers);
  const partNumber = request.rawQuery === '' ? undefined : request.query.get('partNumber');
  return {
    ...addressOf(request),
    range: readRange(headers.range, partNumber),
    conditions: readConditions(headers),
  };
}

function toAnswer(request: S3Request, get: GetArtifact, read: ArtifactRead, hasChecksums: boolean): S3Response {
  const isPart = get.range?.kind === 'part';
  request.record.artifactBytes = read.stat.sizeBytes;
  const headers = readHeaders(read, { hasChecksums, isPart });
  applyOverrides(headers, request.rawQuery, request.query);
  return { status: isPart || read.range !== undefined ? 206 : 200, headers };
}

function deleteResultElement(request: S3Request, result: BatchDeleteResult, isQuiet: boolean): XmlElement | undefined {
  const { key, versionId, deleted } = result;
  if (deleted === undefined) {
    const error = toS3Error(result.error, request);
    return element('Error', [
      textElement('Key', key),
      textElement('VersionId', versionId),
      textElement('Code', error.code),
      textElement('Message', error.message),
    ]);
  }
  if (isQuiet) return undefined;
  return element('Deleted', [
    textElement('Key', key),
    textElement('VersionId', versionId),
    textElement('DeleteMarker', deleted.isDeleteMarker ? true : undefined),
    textElement('DeleteMarkerVersionId', deleted.isDeleteMarker ? deleted.versionId : undefined),
  ]);
}
