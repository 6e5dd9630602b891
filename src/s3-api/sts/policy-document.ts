import { parseNetwork } from '../../context/policy/key-scope';
import type { SessionPolicy, SessionPolicyStatement } from '../../context/policy/session-policy';
import { StsError } from './sts-error';

/** AWS's bound of a session policy, in characters. */
export const MAX_POLICY_LENGTH = 2_048;

const VERSIONS: ReadonlySet<unknown> = new Set(['2012-10-17', '2008-10-17', undefined]);
const DOCUMENT_PARTS: ReadonlySet<string> = new Set(['Version', 'Id', 'Statement']);
const STATEMENT_PARTS: ReadonlySet<string> = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);
const ACTION = /^(?:\*|s3:[A-Za-z*?]+)$/i;
const RESOURCE = /^arn:aws:s3:::([^/:]{1,255}(?:\/[^\0]*)?)$/;

/**
 * A session policy: `Allow` statements of S3 actions on `arn:aws:s3:::` resources, both with `*` and `?`, on the conditions
 * `s3:prefix` (`StringEquals`, `StringLike`) and `aws:SourceIp` (`IpAddress`).
 *
 * Throws `MalformedPolicyDocument` for everything else: a part that was overlooked could make the session's rights wider
 * than its maker meant them to be.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function parseSessionPolicy(text: string): SessionPolicy {
  if (text.length > MAX_POLICY_LENGTH) {
    throw new StsError(
      'ValidationError',
      `1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to ${String(MAX_POLICY_LENGTH)}`,
    );
  }
  const document = partsOf(parseJson(text), DOCUMENT_PARTS, 'The policy');
  if (!VERSIONS.has(document.Version)) throw malformed('The policy must have Version 2012-10-17.');
  const { Statement: statements } = document;
  if (statements === undefined) throw malformed('The policy has no Statement.');
  const list: readonly unknown[] = Array.isArray(statements) ? statements : [statements];
  if (list.length === 0) throw malformed('The policy has no Statement.');
  return list.map(toStatement);
}

type Parts = Readonly<Record<string, unknown>>;

function parseJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    throw malformed('The policy is not in the valid JSON format.');
  }
}

function toStatement(value: unknown): SessionPolicyStatement {
  const statement = partsOf(value, STATEMENT_PARTS, 'A statement');
  if (statement.Effect !== 'Allow') throw malformed('A session policy can have statements of Effect Allow only.');
  const actions = textsOf(statement.Action, 'Action').map((action) => {
    if (!ACTION.test(action)) throw malformed(`The action ${action.slice(0, 100)} is not one of S3.`);
    return action.toLowerCase();
  });
  const resources = textsOf(statement.Resource, 'Resource').map(toResource);
  return { actions, resources, ...conditionsOf(statement.Condition) };
}

function toResource(resource: string): string {
  if (resource === '*' || resource === 'arn:aws:s3:::*') return '*';
  const pattern = RESOURCE.exec(resource)?.[1];
  if (pattern === undefined || resource.includes('${')) {
    throw malformed(`The resource ${resource.slice(0, 200)} can't be held to; arn:aws:s3:::bucket/prefix* can.`);
  }
  return pattern;
}

function conditionsOf(value: unknown): Pick<SessionPolicyStatement, 'listPrefixes' | 'networks'> {
  if (value === undefined) return {};
  let listPrefixes: readonly string[] | undefined;
  let networks: readonly string[] | undefined;
  for (const [operator, keys] of Object.entries(recordOf(value, 'A Condition'))) {
    for (const [key, operand] of Object.entries(recordOf(keys, `The condition ${operator}`))) {
      const condition = `${operator} ${key.toLowerCase()}`;
      const isKnown = CONDITIONS.has(condition);
      if (!isKnown) throw malformed(`The condition ${operator} of ${key.slice(0, 100)} can't be held to.`);
      const isPrefix = condition.endsWith('s3:prefix');
      if ((isPrefix ? listPrefixes : networks) !== undefined) throw malformed(`There are two conditions on ${key}.`);
      if (isPrefix) listPrefixes = textsOf(operand, key).map((text) => toPrefix(operator, text));
      else networks = textsOf(operand, key).map(toNetwork);
    }
  }
  return {
    ...(listPrefixes === undefined ? {} : { listPrefixes }),
    ...(networks === undefined ? {} : { networks }),
  };
}

const CONDITIONS: ReadonlySet<string> = new Set([
  'StringEquals s3:prefix',
  'StringLike s3:prefix',
  'IpAddress aws:sourceip',
]);

function toPrefix(operator: string, text: string): string {
  if (text.includes('${')) throw malformed('Policy variables are not supported.');
  if (operator === 'StringEquals' && /[*?]/.test(text)) {
    throw malformed('StringEquals takes * and ? as they are, which is not supported; use StringLike.');
  }
  return text;
}

function toNetwork(text: string): string {
  if (parseNetwork(text) === undefined)
    throw malformed(`${text.slice(0, 100)} is neither an address nor a CIDR range.`);
  return text;
}

function partsOf(value: unknown, known: ReadonlySet<string>, what: string): Parts {
  const parts = recordOf(value, what);
  for (const name of Object.keys(parts)) {
    if (!known.has(name)) throw malformed(`${what} can't have ${name.slice(0, 100)}.`);
  }
  return parts;
}

function recordOf(value: unknown, what: string): Parts {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`${what} must be an object.`);
  return { ...value };
}

function textsOf(value: unknown, what: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw malformed(`${what} is empty.`);
  return list.map((text) => {
    if (typeof text !== 'string') throw malformed(`${what} must be text, or a list of texts.`);
    return text;
  });
}

function malformed(message: string): StsError {
  return new StsError('MalformedPolicyDocument', message);
}
