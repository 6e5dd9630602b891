import fc from 'fast-check';
import { isGoodName } from '../../../test/support/graph-simulator/simulated-drive';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { DriverError } from '../driver.errors';
import { blobNameOfFile, itemPathOf } from './onedrive-names';

const tenant = tenantId('5e0c1b1c-2f0e-4c3e-9d0e-0b9f6d3b9b11');
const pathOf = (name: string): string => itemPathOf('vaultaire', tenant, blobKey(tenant, blobId(name)), name);
const fileOf = (name: string): string => pathOf(name).split('/').at(-1) ?? '';
const names = fc.stringMatching(/^[abzABZ019_vti-]{1,40}$/);

describe('names on OneDrive', () => {
  it('are allowed there, and tell what blob they are of', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(pathOf(name).split('/').every(isGoodName)).toBe(true);
        expect(blobNameOfFile(fileOf(name))).toBe(name);
      }),
    );
  });

  it.each(['con', 'NUL', 'com1', '_vti_', 'a_vti_b', 'desktop'])('are not reserved ones for %s', (name) => {
    expect(isGoodName(fileOf(name))).toBe(true);
    expect(blobNameOfFile(fileOf(name))).toBe(name);
  });

  it('differ by more than case', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        fc.pre(a !== b);
        expect(fileOf(a).toLowerCase()).not.toBe(fileOf(b).toLowerCase());
      }),
    );
    expect(fileOf('AB').toLowerCase()).not.toBe(fileOf('ab').toLowerCase());
  });

  it('are refused where they are too long', () => {
    expect(() => pathOf('A'.repeat(128))).toThrow(DriverError);
    expect(pathOf('a'.repeat(128))).toContain('a'.repeat(128));
  });

  it.each(['b-', 'b-A', 'b-a!', 'b-a.b', 'notes.txt', 'b-a b', 'b-!1'])('are not made of the file %s', (file) => {
    expect(blobNameOfFile(file)).toBeUndefined();
  });
});
