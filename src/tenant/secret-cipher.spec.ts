import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { SecretCipher, SecretUnreadableError } from './secret-cipher';

describe('SecretCipher', () => {
  const cipher = new SecretCipher(randomBytes(32));

  it('opens what it sealed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (secret, id) => {
        expect(cipher.open(id, cipher.seal(id, secret))).toBe(secret);
      }),
    );
  });

  it('seals the same secret differently each time', () => {
    expect(cipher.seal('AKIA1', 'secret').equals(cipher.seal('AKIA1', 'secret'))).toBe(false);
  });

  it('does not open the secret of another access key', () => {
    expect(() => cipher.open('AKIA2', cipher.seal('AKIA1', 'secret'))).toThrow(SecretUnreadableError);
  });

  it('does not open under another master key', () => {
    expect(() => new SecretCipher(randomBytes(32)).open('AKIA1', cipher.seal('AKIA1', 'secret'))).toThrow(
      SecretUnreadableError,
    );
  });

  it('refuses a ciphertext with any bit changed, or cut short', () => {
    const sealed = cipher.seal('AKIA1', 'secret');
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const altered = Buffer.from(sealed);
        altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(() => cipher.open('AKIA1', altered)).toThrow(SecretUnreadableError);
      }),
    );
    for (let length = 0; length < sealed.length; length++) {
      expect(() => cipher.open('AKIA1', sealed.subarray(0, length))).toThrow(SecretUnreadableError);
    }
  });

  it('does not put the secret into its errors', () => {
    expect.assertions(1);
    try {
      new SecretCipher(randomBytes(32)).open('AKIA1', cipher.seal('AKIA1', 'do-not-tell'));
    } catch (error) {
      expect(String(error)).not.toContain('do-not-tell');
    }
  });

  it('wants a master key of 32 bytes', () => {
    expect(() => new SecretCipher(randomBytes(16))).toThrow(RangeError);
  });
});
