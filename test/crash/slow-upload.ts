import type { S3Client } from '@aws-sdk/client-s3';
import { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';

export type UploadTarget =
  | { readonly Bucket: string; readonly Key: string }
  | {
      readonly Bucket: string;
      readonly Key: string;
      readonly UploadId: string | undefined;
      readonly PartNumber: number;
    };

/** An upload whose bytes go out when a test says so. */
export class SlowUpload {
  /** Status of the answer; undefined when the connection broke before there was one. */
  readonly status: Promise<number | undefined>;

  private constructor(
    private readonly outgoing: ClientRequest,
    private readonly bytes: Buffer,
  ) {
    this.status = new Promise((resolve) => {
      outgoing.once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.once('error', () => {
        resolve(undefined);
      });
    });
  }

  /** Sends the head of the request. */
  static async begin(s3: S3Client, target: UploadTarget, bytes: Buffer): Promise<SlowUpload> {
    const expiry = { expiresIn: 600 };
    const url = await ('UploadId' in target
      ? getSignedUrl(s3, new UploadPartCommand(target), expiry)
      : getSignedUrl(s3, new PutObjectCommand(target), expiry));
    const outgoing = request(url, { method: 'PUT', agent: false, headers: { 'content-length': bytes.length } });
    const upload = new SlowUpload(outgoing, bytes);
    outgoing.flushHeaders();
    return upload;
  }

  /** Resolves when the first half is with the system. */
  async sendHalf(): Promise<void> {
    await new Promise((resolve) => this.outgoing.write(this.bytes.subarray(0, this.bytes.length / 2), resolve));
  }

  sendRest(): void {
    this.outgoing.end(this.bytes.subarray(this.bytes.length / 2));
  }

  /** Goes away without a word. */
  disconnect(): void {
    this.outgoing.destroy();
  }
}
