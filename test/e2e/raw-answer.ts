import type { S3Client } from '@aws-sdk/client-s3';

interface WireAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

type Next = (args: unknown) => Promise<unknown>;

/** The part of a command's middleware stack that is used here, whatever the command's own types are. */
interface Stack {
  add(middleware: (next: Next) => Next, options: Readonly<Record<string, unknown>>): void;
}

/** What came back over the wire, besides what the SDK makes of it. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** S3's error code, when the SDK threw. */
  readonly code: string | undefined;
}

/** Sends a command with additional request headers (signed with it), and tells status and headers of the answer. */
export async function sendRaw(
  s3: S3Client,
  command: { readonly middlewareStack: object },
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  let wire: WireAnswer | undefined;
  const stack = command.middlewareStack as Stack;
  stack.add(
    (next) => (args) => {
      Object.assign((args as { request: { headers: object } }).request.headers, headers);
      return next(args);
    },
    { step: 'build', name: 'additionalHeaders', override: true },
  );
  stack.add(
    (next) => async (args) => {
      const result = await next(args);
      wire = (result as { response: WireAnswer }).response;
      return result;
    },
    { step: 'deserialize', name: 'keepAnswer', priority: 'low', override: true },
  );
  let code: string | undefined;
  try {
    await s3.send(command as Parameters<S3Client['send']>[0]);
  } catch (error) {
    code = codeOf(error);
  }
  return { status: wire?.statusCode ?? 0, headers: wire?.headers ?? {}, code };
}

/** S3's error code of what the SDK threw. */
export function codeOf(error: unknown): string {
  const { Code, name } = error as { readonly Code?: string; readonly name: string };
  return Code ?? name;
}

/** S3's error code and status of a request that must fail. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly status: number | undefined }> {
  try {
    await work;
  } catch (error) {
    const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
    return { code: codeOf(error), status: $metadata?.httpStatusCode };
  }
  throw new Error('The request was expected to be refused');
}
