import type { StsAction } from './sts-operation';
import { STS_ACTIONS, STS_VERSION } from './sts-operation';
import { StsError } from './sts-error';

const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const MIN_DURATION_SECONDS = 900;
const MAX_DURATION_SECONDS = 43_200;
const DEFAULT_DURATION_SECONDS = 3_600;

/** Without a trust policy there is nothing for an external id to be compared with; whatever else restricts a session is refused. */
const PARAMETERS: Readonly<Record<StsAction, ReadonlySet<string>>> = {
  AssumeRole: new Set(['RoleArn', 'RoleSessionName', 'DurationSeconds', 'Policy', 'ExternalId']),
  GetSessionToken: new Set(['DurationSeconds']),
  GetCallerIdentity: new Set(),
};

/**
 * The action that a form asks for. Throws `MissingAction`, `InvalidAction` for one that is not served, and `ValidationError` for
 * a parameter that comes twice, or whose meaning would be lost.
 */
export function actionOf(parameters: URLSearchParams): StsAction {
  const name = parameters.get('Action');
  if (name === null || name === '') throw new StsError('MissingAction', 'Missing Action');
  const version = parameters.get('Version');
  const action = STS_ACTIONS.find((known) => known === name);
  if (action === undefined || version !== STS_VERSION) {
    const wanted = `${name.slice(0, 100)} for version ${(version ?? 'NO_VERSION_SPECIFIED').slice(0, 50)}`;
    throw new StsError('InvalidAction', `Could not find operation ${wanted}`);
  }
  const seen = new Set<string>();
  for (const parameter of parameters.keys()) {
    if (seen.has(parameter)) throw new StsError('ValidationError', `${parameter.slice(0, 100)} comes twice`);
    seen.add(parameter);
    if (parameter === 'Action' || parameter === 'Version' || PARAMETERS[action].has(parameter)) continue;
    throw new StsError('ValidationError', `${parameter.slice(0, 100)} is not supported`);
  }
  return action;
}

/** Seconds that the credentials are to be good for: 900 to 43,200, and 3,600 unless said. Throws `ValidationError`. */
export function durationSecondsOf(parameters: URLSearchParams): number {
  const text = parameters.get('DurationSeconds');
  if (text === null) return DEFAULT_DURATION_SECONDS;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= MIN_DURATION_SECONDS && seconds <= MAX_DURATION_SECONDS) return seconds;
  throw violation('durationSeconds', `Member must have value from ${MIN_DURATION_SECONDS} to ${MAX_DURATION_SECONDS}`);
}

/** The name of a role's session. Throws `ValidationError`. */
export function sessionNameOf(parameters: URLSearchParams): string {
  const name = parameters.get('RoleSessionName') ?? '';
  if (SESSION_NAME.test(name)) return name;
  throw violation('roleSessionName', 'Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}');
}

/** Throws `ValidationError` when there is none. */
export function roleArnOf(parameters: URLSearchParams): string {
  const arn = parameters.get('RoleArn');
  if (arn !== null && arn !== '') return arn;
  throw violation('roleArn', 'Member must not be null');
}

function violation(parameter: string, constraint: string): StsError {
  return new StsError(
    'ValidationError',
    `1 validation error detected: Value at '${parameter}' failed to satisfy constraint: ${constraint}`,
  );
}
