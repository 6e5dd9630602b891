const MAX_CAUSES = 5;

/**
 * What must never be in a log, wherever it came from: signatures and session tokens in the query of a presigned URL or an
 * `Authorization` header, bearer tokens, passwords in URLs, and fields named after secrets.
 */
const SECRETS =
  /((?:X-Amz-(?:Signature|Credential|Security-Token)|\bSignature|\bAWSAccessKeyId)(?:=|%3D|\\?"\s*:\s*\\?")|\bAuthorization\\?["']?\s*[:=]\s*\\?["']?(?:AWS4-HMAC-SHA256\s+|AWS\s+|Bearer\s+|Basic\s+)?|\bBearer\s+|\b(?:secret_?(?:access_?)?key|password|session_?token|admin_?token)\\?["']?\s*[:=]\s*\\?["']?)([^\s"'\\&,@]+)/gi;

const URL_PASSWORDS = /(\w:\/\/[^\s:/@"]*:)[^\s/@"]+(?=@)/g;

/** `line` with its secrets replaced. */
export function redacted(line: string): string {
  return line.replace(SECRETS, '$1[redacted]').replace(URL_PASSWORDS, '$1[redacted]');
}

/** An error as a log has it: no properties but those that are known to be harmless; others may hold rows or parameters. */
export function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const cause = error.cause instanceof Error && depth < MAX_CAUSES ? errorFields(error.cause, depth + 1) : undefined;
  const { code, kind } = error as { code?: unknown; kind?: unknown };
  return { type: error.name, message: error.message, stack: error.stack, code: text(code), kind: text(kind), cause };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
