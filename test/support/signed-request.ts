import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { RunningVaultaire } from './start-vaultaire';

/** What signs a request: an access key, or temporary credentials. */
export interface Signer {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request as it goes over the wire, with nothing of it normalised. */
export interface WireRequest {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Signed with the rest. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added after signing, as a proxy or a forger would. */
  readonly addedHeaders?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface WireAnswer {
  readonly status: number;
  /** S3's error code. */
  readonly code: string | undefined;
  readonly text: string;
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** The hash that the SDK's signer wants, over Node's. */
export class Sha256 {
  private readonly hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    throw new Error('the signer makes a new one');
  }
}

/** Signs and sends a request that an SDK would refuse to make. Nobody signs it where `signer` is undefined. */
export async function sendSigned(
  vaultaire: RunningVaultaire,
  signer: Signer | undefined,
  { method, path, query = {}, headers = {}, addedHeaders = {}, body }: WireRequest,
): Promise<WireAnswer> {
  const endpoint = new URL(vaultaire.s3Endpoint);
  const request = {
    method,
    protocol: 'http:',
    hostname: endpoint.hostname,
    port: Number(endpoint.port),
    path,
    query: { ...query },
    headers: {
      host: endpoint.host,
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    },
  };
  const signed = signer === undefined ? request : await signerOf(vaultaire, signer).sign(request);
  const { host: _host, 'content-length': _length, ...sent } = signed.headers;
  const search = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
  const answer = await fetch(`${vaultaire.s3Endpoint}${path}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: { ...sent, ...addedHeaders },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1], text };
}

function signerOf(vaultaire: RunningVaultaire, { accessKeyId, secretKey, sessionToken }: Signer): SignatureV4 {
  return new SignatureV4({
    service: 's3',
    region: vaultaire.region,
    credentials: {
      accessKeyId,
      secretAccessKey: secretKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
    sha256: Sha256,
    uriEscapePath: false,
  });
}
