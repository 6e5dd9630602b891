import { tenantId } from '../../context/ids';
import { accountNumberOf } from '../../context/account-number';
import { assumableRole } from './account';

const CALLER = { tenantId: tenantId('0190a000-0000-7000-8000-000000000001'), tenantName: 'acme' };
const number = accountNumberOf(CALLER.tenantId);

describe('roles', () => {
  it.each([number, 'acme', CALLER.tenantId])('of the own tenant %s are there for the asking', (account) => {
    const role = assumableRole(`arn:aws:iam::${account}:role/team/worker`, CALLER);
    expect(role.name).toBe('worker');
    expect(role.id).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(role).toEqual(assumableRole('arn:aws:iam::acme:role/team/worker', CALLER));
    expect(role.id).not.toBe(assumableRole('arn:aws:iam::acme:role/worker', CALLER).id);
  });

  it.each(['other', '123456789012', 'Acme', accountNumberOf('another')])('of account %s are denied', (account) => {
    expect(() => assumableRole(`arn:aws:iam::${account}:role/worker`, CALLER)).toThrow(
      expect.objectContaining({ code: 'AccessDenied' }),
    );
  });

  it.each([
    '',
    'worker',
    'arn:aws:iam::acme:role/',
    'arn:aws:iam::acme:role/a b',
    'arn:aws:iam::acme:user/worker',
    'arn:aws:sts::acme:role/worker',
    'arn:aws:iam:::role/worker',
    `arn:aws:iam::acme:role/${'a'.repeat(65)}`,
    `arn:aws:iam::acme:role/${'a/'.repeat(2_000)}b`,
    'arn:aws:iam::acme:role/worker\n',
  ])('have an address of their own: %p is none', (arn) => {
    expect(() => assumableRole(arn, CALLER)).toThrow(expect.objectContaining({ code: 'ValidationError' }));
  });

  it('belong to an account of twelve digits', () => {
    expect(number).toMatch(/^\d{12}$/);
    expect(accountNumberOf('another')).not.toBe(number);
  });
});
