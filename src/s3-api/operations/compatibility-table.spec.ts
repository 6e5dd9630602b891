import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderCompatibilityDocument } from './compatibility-table';

describe('docs/s3-compatibility.md', () => {
  it('is what the catalogue and the controllers say (npm run docs:compatibility writes it)', () => {
    const committed = readFileSync(join(__dirname, '../../../docs/s3-compatibility.md'), 'utf8');
    expect(committed).toBe(renderCompatibilityDocument());
  });
});
