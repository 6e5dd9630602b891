import { hash } from 'node:crypto';
import { Connection } from './connection.ts';
import type { Target } from './job.ts';
import { headerOf, type ReadResponse } from './response-reader.ts';
import { EMPTY_SHA256, encodePath, encodeQuery, RequestSigner, UNSIGNED_PAYLOAD } from './signer.ts';

/** One page of a listing. */
export interface ListedPage {
  readonly keyCount: number;
  readonly bytes: number;
  readonly nextToken: string | undefined;
}

/** The few calls that prepare and check a run, on one connection. Every call throws on an unexpected status. */
export class S3Client {
  private readonly connection: Connection;
  private readonly signer: RequestSigner;

  constructor(target: Target) {
    const url = new URL(target.url);
    this.connection = new Connection(url.hostname, Number(url.port === '' ? '80' : url.port));
    this.signer = new RequestSigner({ ...target, host: url.host });
  }

  close(): void {
    this.connection.close();
  }

  /** A bucket of one's own that exists already is fine. */
  async createBucket(bucket: string): Promise<void> {
    const response = await this.send('PUT', encodePath(bucket), '', EMPTY_SHA256, []);
    if (response.status !== 200 && response.status !== 409) throw unexpected('CreateBucket', response);
  }

  /** Returns the ETag without its quotes. */
  async putObject(bucket: string, key: string, body: readonly Buffer[]): Promise<string> {
    const response = await this.send('PUT', encodePath(bucket, key), '', UNSIGNED_PAYLOAD, body);
    if (response.status !== 200) throw unexpected('PutObject', response);
    return (headerOf(response.headers, 'etag') ?? '').replaceAll('"', '');
  }

  /** Reads an object and keeps its body only when `keepsBody`. */
  async getObject(bucket: string, key: string, keepsBody: boolean): Promise<ReadResponse> {
    const response = await this.send('GET', encodePath(bucket, key), '', EMPTY_SHA256, [], keepsBody);
    if (response.status !== 200) throw unexpected('GetObject', response);
    return response;
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    const response = await this.send('DELETE', encodePath(bucket, key), '', EMPTY_SHA256, []);
    if (response.status !== 204) throw unexpected('DeleteObject', response);
  }

  /** ListObjectsV2, a thousand keys at most. */
  async listPage(bucket: string, token: string | undefined): Promise<ListedPage> {
    const query = encodeQuery({
      'list-type': '2',
      'max-keys': '1000',
      ...(token === undefined ? {} : { 'continuation-token': token }),
    });
    const response = await this.send('GET', encodePath(bucket), query, EMPTY_SHA256, [], true);
    if (response.status !== 200) throw unexpected('ListObjectsV2', response);
    const text = response.body.toString('latin1');
    return {
      keyCount: countOf(text, '<Key>'),
      bytes: response.bodyBytes,
      nextToken: /<NextContinuationToken>([^<]*)</.exec(text)?.[1]?.replaceAll('&amp;', '&'),
    };
  }

  /** Stores an object of this size, reads it again and compares every byte. Throws when they differ. */
  async checkRoundTrip(bucket: string, key: string, body: readonly Buffer[]): Promise<void> {
    const whole = Buffer.concat(body);
    const etag = await this.putObject(bucket, key, body);
    const read = await this.getObject(bucket, key, true);
    if (!whole.equals(read.body)) throw new Error(`${key} came back with other bytes than it was stored with`);
    const md5 = hash('md5', whole);
    if (etag !== md5) process.stderr.write(`note: the ETag of ${key} is ${etag}, not the MD5 of its bytes (${md5})\n`);
  }

  private send(
    method: string,
    path: string,
    query: string,
    payloadHash: string,
    body: readonly Buffer[],
    keepsBody = false,
  ): Promise<ReadResponse> {
    const length = method === 'PUT' ? body.reduce((sum, piece) => sum + piece.length, 0) : undefined;
    const head = this.signer.head(method, path, query, payloadHash, length);
    // The body of a refusal is wanted for the message; on small answers keeping it costs nothing.
    return this.connection.request({ head, body, isHead: method === 'HEAD', keepsBody: keepsBody || method !== 'GET' });
  }
}

function countOf(text: string, needle: string): number {
  let count = 0;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count++;
  return count;
}

function unexpected(operation: string, response: ReadResponse): Error {
  return new Error(`${operation} answered ${response.status}: ${response.body.toString('utf8').slice(0, 400)}`);
}
