import * as sdk from '@aws-sdk/client-s3';
import { findOperation, OPERATION_CATALOGUE } from './operation-catalogue';

/** What the catalogue has besides the SDK's commands: the browser's form and the two preflights. */
const BEYOND_SDK = ['PostObject', 'PreflightBucket', 'PreflightObject'];

describe('the operation catalogue', () => {
  it('lists every operation of the AWS SDK and no other', () => {
    const commands = Object.keys(sdk)
      .filter((name) => name.endsWith('Command') && name !== '$Command')
      .map((name) => name.slice(0, -'Command'.length));
    expect(OPERATION_CATALOGUE.map(({ name }) => name).sort()).toEqual([...commands, ...BEYOND_SDK].sort());
  });

  it('has each name once', () => {
    expect(new Set(OPERATION_CATALOGUE.map(({ name }) => name)).size).toBe(OPERATION_CATALOGUE.length);
  });

  it('knows no operation that S3 does not have', () => {
    expect(findOperation('MakeCoffee')).toBeUndefined();
    expect(findOperation('constructor')).toBeUndefined();
  });
});
