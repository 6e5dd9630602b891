import type * as Compiled from './src/database/command-line-data-source';

// Node strips the types of this file itself; entities have decorators, so that they come from what `npm run build` compiled.
const compiled = ['./dist/src/database', 'command-line-data-source.js'].join('/');

/** The database for TypeORM's commands: `npm run migration -- migration:show`. */
export const dataSource = import(compiled).then((module: typeof Compiled) => module.commandLineDataSource());
