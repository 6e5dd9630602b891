import { AdminProblem } from './admin-problem';
import { etagOf, revisionOf } from './etag';

function statusOf(ifMatch: string | undefined): number | undefined {
  try {
    revisionOf(ifMatch);
    return undefined;
  } catch (error) {
    return error instanceof AdminProblem ? error.status : 0;
  }
}

describe('If-Match', () => {
  it('names the revision of an ETag of ours', () => {
    expect(revisionOf(etagOf('42'))).toBe('42');
    expect(revisionOf(' "7" ')).toBe('7');
  });

  it('must be there', () => {
    expect(statusOf(undefined)).toBe(428);
  });

  it.each(['', '42', 'W/"42"', '*', '"a"', '"1", "2"', '"-1"', `"${'9'.repeat(19)}"`, `"1'; --"`])(
    'can not be the current revision as %p',
    (text) => {
      expect(statusOf(text)).toBe(412);
    },
  );
});
