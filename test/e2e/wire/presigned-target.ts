import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

/** What a raw request needs: a signed target, and the host that it is signed for. */
export interface PresignedTarget {
  readonly target: string;
  readonly host: string;
}

export async function presignedGet(s3: S3Client, Bucket: string, Key: string): Promise<PresignedTarget> {
  return split(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key })));
}

/** Any body goes with it: its payload is unsigned, and it promises no checksum. */
export async function presignedPut(s3: S3Client, Bucket: string, Key: string): Promise<PresignedTarget> {
  const command = new PutObjectCommand({ Bucket, Key });
  const unwanted = new Set(['x-amz-checksum-crc32', 'x-amz-sdk-checksum-algorithm']);
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      for (const name of Object.keys(headers)) {
        if (unwanted.has(name)) Reflect.deleteProperty(headers, name);
      }
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'withoutChecksum' },
  );
  return split(await getSignedUrl(s3, command));
}

function split(url: string): PresignedTarget {
  const { pathname, search, host } = new URL(url);
  return { target: pathname + search, host };
}
