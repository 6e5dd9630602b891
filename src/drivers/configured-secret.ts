import { readFileSync } from 'node:fs';
import { namedVariable } from '../config/environment';
import { reasonOf } from '../config/start-up.error';

/** A secret as the configuration says it: itself, a file that holds it, or the name of an environment variable. */
export interface ConfiguredSecret {
  readonly value: string | undefined;
  readonly file: string | undefined;
  readonly variable: string | undefined;
}

/**
 * The secret itself. `refuse` throws for a secret that is not there or not said in exactly one way; what it is told begins right after
 * the name `field` and never holds a value.
 */
export function configuredSecret(field: string, given: ConfiguredSecret, refuse: (why: string) => never): string {
  const { value, file, variable } = given;
  if ([value, file, variable].filter((way) => way !== undefined).length !== 1)
    return refuse(`: exactly one of ${field}, ${field}File and ${field}Env must be given`);
  if (value !== undefined) return value || refuse(' must not be empty');
  if (variable !== undefined) return namedVariable(variable) ?? refuse(`Env: the variable ${variable} is not set`);
  return readSecret(file ?? '', (why) => refuse(`File: ${why}`));
}

function readSecret(path: string, refuse: (why: string) => never): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    return refuse(`${path} can't be read: ${reasonOf(error)}`);
  }
  return text === '' ? refuse(`${path} is empty`) : text;
}
