import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { AdminProblem } from './admin-problem';
import type { FieldError } from './admin-problem';

/** Validates the DTOs of bodies and queries: unknown fields are refused, and the problem names every bad field. */
export const adminValidationPipe = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors) => AdminProblem.badFields(errors.flatMap((error) => fieldErrors(error, ''))),
});

/** What is wrong with a field and with the fields inside of it, each with its path. */
export function fieldErrors(error: ValidationError, prefix: string): FieldError[] {
  const field =
    /^\d+$/.test(error.property) && prefix !== '' ? `${prefix}[${error.property}]` : join(prefix, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) => ({
    field,
    message: messageOf(constraint, message, error.property, field),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, field))];
}

function messageOf(constraint: string, message: string, property: string, field: string): string {
  if (constraint === 'whitelistValidation') return `${field} is not a field of this request`;
  return message.startsWith(property) ? field + message.slice(property.length) : message;
}

function join(prefix: string, property: string): string {
  return prefix === '' ? property : `${prefix}.${property}`;
}
