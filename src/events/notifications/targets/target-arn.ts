import { accountNumberOf } from '../../../context/account-number';
import type { RuleElement } from '../notification-rules';
import { RULE_ELEMENTS } from '../notification-rules';

/** Tools of AWS insist on its partition, so both are good. */
const ARN = /^arn:(?:vaultaire|aws):(sqs|sns|lambda):([a-z0-9-]*):(\d{12}|):(?:function:)?([a-z0-9][a-z0-9._-]{0,62})$/;

/** A target as an ARN names it. */
export interface TargetName {
  /** False: one of all tenants. */
  readonly isOwn: boolean;
  readonly name: string;
}

/** `arn:vaultaire:sqs:<region>:<account number of the tenant, or nothing>:<name>`, as the admin API shows it. */
export function targetArn(tenantId: string | undefined, name: string, region: string): string {
  return `arn:vaultaire:sqs:${region}:${tenantId === undefined ? '' : accountNumberOf(tenantId)}:${name}`;
}

/** Undefined: it can't name a target that the tenant may use, whether there is one or not. */
export function parseTargetArn(
  arn: string,
  element: RuleElement,
  tenantId: string,
  region: string,
): TargetName | undefined {
  const [, service, namedRegion, account, name] = ARN.exec(arn) ?? [];
  if (name === undefined || service !== RULE_ELEMENTS[element].service) return undefined;
  if (namedRegion !== '' && namedRegion !== region) return undefined;
  if (account === '') return { isOwn: false, name };
  return account === accountNumberOf(tenantId) ? { isOwn: true, name } : undefined;
}
