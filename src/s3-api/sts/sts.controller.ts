import { All, Controller, Res, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { S3GuardStack } from '../auth/s3-guard-stack';
import { S3InterceptorStack } from '../http/s3-interceptor-stack';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Identity, S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import type { SessionCredentials } from '../../tenant/session-tokens';
import { accountNumberOf } from '../../context/account-number';
import { assumableRole } from './account';
import { parseSessionPolicy } from './policy-document';
import { SessionIssuer } from './session-issuer';
import { STS_XML_NAMESPACE, StsError } from './sts-error';
import { StsExceptionFilter } from './sts-exception.filter';
import { stsFormOf } from './sts-form';
import type { StsAction } from './sts-operation';
import { STS_ROUTE } from './sts-operation';
import { actionOf, durationSecondsOf, roleArnOf, sessionNameOf } from './sts-parameters';

/** The Security Token Service: one route, on which the form tells the action. */
@Controller()
@UseGuards(S3GuardStack)
@UseInterceptors(S3InterceptorStack)
@UseFilters(StsExceptionFilter)
export class StsController {
  constructor(private readonly issuer: SessionIssuer) {}

  /** The unused parameter keeps Nest from writing an answer of its own, as in `S3Operation`. */
  @All(STS_ROUTE)
  handle(@S3Req() request: S3Request, @Res() _response: unknown): S3Response {
    const { identity } = request;
    if (identity === undefined) throw new Error('The request was not authenticated');
    const { parameters } = stsFormOf(request);
    const action = actionOf(parameters);
    request.record.operation = action;
    return answer(action, this.resultOf(action, identity, parameters), request.id);
  }

  private resultOf(action: StsAction, caller: S3Identity, parameters: URLSearchParams): readonly XmlElement[] {
    switch (action) {
      case 'AssumeRole':
        return this.assumeRole(caller, parameters);
      case 'GetSessionToken':
        return this.getSessionToken(caller, parameters);
      case 'GetCallerIdentity':
        return callerElements(caller);
    }
  }

  private assumeRole(caller: S3Identity, parameters: URLSearchParams): readonly XmlElement[] {
    const role = assumableRole(roleArnOf(parameters), caller);
    const sessionName = sessionNameOf(parameters);
    const policy = parameters.get('Policy');
    const { credentials, packedPolicyPercent } = this.issuer.issue(caller, {
      durationSeconds: durationSecondsOf(parameters),
      role: { name: role.name, id: role.id, sessionName },
      policy: policy === null ? undefined : parseSessionPolicy(policy),
    });
    return [
      credentialsElement(credentials),
      element('AssumedRoleUser', [
        element('AssumedRoleId', `${role.id}:${sessionName}`),
        element('Arn', roleSessionArn(caller, role.name, sessionName)),
      ]),
      ...(policy === null ? [] : [element('PackedPolicySize', String(packedPolicyPercent))]),
    ];
  }

  private getSessionToken(caller: S3Identity, parameters: URLSearchParams): readonly XmlElement[] {
    if (caller.session !== undefined) {
      throw new StsError('AccessDenied', 'Cannot call GetSessionToken with session credentials');
    }
    const durationSeconds = durationSecondsOf(parameters);
    const { credentials } = this.issuer.issue(caller, { durationSeconds, role: undefined, policy: undefined });
    return [credentialsElement(credentials)];
  }
}

function callerElements(caller: S3Identity): readonly XmlElement[] {
  const account = accountNumberOf(caller.tenantId);
  const role = caller.session?.role;
  return [
    element(
      'Arn',
      role === undefined
        ? `arn:aws:iam::${account}:user/${caller.userName}`
        : roleSessionArn(caller, role.name, role.sessionName),
    ),
    element('UserId', role === undefined ? caller.principal.userId : `${role.id}:${role.sessionName}`),
    element('Account', account),
  ];
}

function roleSessionArn(caller: S3Identity, role: string, sessionName: string): string {
  return `arn:aws:sts::${accountNumberOf(caller.tenantId)}:assumed-role/${role}/${sessionName}`;
}

function credentialsElement(credentials: SessionCredentials): XmlElement {
  return element('Credentials', [
    element('AccessKeyId', credentials.accessKeyId),
    element('SecretAccessKey', credentials.secretKey),
    element('SessionToken', credentials.sessionToken),
    element('Expiration', new Date(credentials.expiresAtMs).toISOString()),
  ]);
}

function answer(action: StsAction, result: readonly XmlElement[], requestId: string): S3Response {
  const root = {
    ...element(`${action}Response`, [
      element(`${action}Result`, result),
      element('ResponseMetadata', [element('RequestId', requestId)]),
    ]),
    attributes: { xmlns: STS_XML_NAMESPACE },
  };
  return { body: { kind: 'xml', root } };
}

function element(name: string, children: XmlElement['children']): XmlElement {
  return { name, children };
}
