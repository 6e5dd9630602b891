// Writes docs/s3-compatibility.md from the built catalogue and controllers.
import { writeFileSync } from 'node:fs';
import { renderCompatibilityDocument } from '../dist/src/s3-api/operations/compatibility-table.js';

writeFileSync(new URL('../docs/s3-compatibility.md', import.meta.url), renderCompatibilityDocument());
