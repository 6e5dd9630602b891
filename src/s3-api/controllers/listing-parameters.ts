import { invalidArgument } from '../headers/request-header';
import type { QueryParameters } from '../http/s3-request';

/** Whether `encoding-type=url` was asked for. Throws `InvalidArgument` for another encoding. */
export function isUrlEncodingWanted(query: QueryParameters): boolean {
  const type = query.get('encoding-type');
  if (type === undefined || type === '') return false;
  if (type === 'url') return true;
  throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', type);
}

/** Text that names keys: empty when absent. Throws `InvalidArgument` for a NUL character, which no key can have. */
export function keyText(query: QueryParameters, name: string): string {
  const text = query.get(name) ?? '';
  if (text.includes('\0')) throw invalidArgument('No key contains a NUL character', name, '');
  return text;
}

/** Whether `x-amz-optional-object-attributes` asks for the only attribute there is. Throws `InvalidArgument` for any other. */
export function isRestoreStatusWanted(header: string | undefined): boolean {
  if (header === undefined) return false;
  for (const name of header.split(',')) {
    if (name.trim() !== 'RestoreStatus') {
      throw invalidArgument('Invalid attribute name specified', 'x-amz-optional-object-attributes', header);
    }
  }
  return true;
}
