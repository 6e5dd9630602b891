import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { AdminProblem } from './admin-problem';

/** A strong entity tag (RFC 9110, section 8.8.3) around a revision, which fits a `bigint`. */
const REVISION_TAG = /^\s*"(\d{1,18})"\s*$/;

/** `revision` as the value of an `ETag` header. */
export function etagOf(revision: string | number): string {
  return `"${revision}"`;
}

/**
 * The revision that an `If-Match` header names.
 *
 * @throws AdminProblem 428 without the header; 412 for anything but one ETag of ours, which then can't be the current one
 */
export function revisionOf(ifMatch: string | undefined): string {
  if (ifMatch === undefined) {
    throw new AdminProblem({ status: 428, detail: 'Name the ETag of what you want to change in the If-Match header' });
  }
  const revision = REVISION_TAG.exec(ifMatch)?.[1];
  if (revision === undefined) throw AdminProblem.preconditionFailed();
  return revision;
}

const fromRequest = createParamDecorator((_data: unknown, context: ExecutionContext): string =>
  revisionOf(context.switchToHttp().getRequest<IncomingMessage>().headers['if-match']),
);

/**
 * Injects the revision (decimal text) of `If-Match` into the handler of an update, which must refuse with
 * {@link AdminProblem.preconditionFailed} unless it is the current one. Documents the header too.
 */
export function IfMatch(): ParameterDecorator {
  const inject = fromRequest();
  return (target, key, index) => {
    inject(target, key, index);
    if (key === undefined) return;
    const descriptor = Object.getOwnPropertyDescriptor(target, key);
    if (descriptor === undefined) return;
    ApiHeader({ name: 'If-Match', required: true, description: 'ETag of the last answer', example: '"1"' })(
      target,
      key,
      descriptor,
    );
  };
}
