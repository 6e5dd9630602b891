import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { parseDocument } from 'yaml';
import type { Environment } from './environment';
import { archiveProblems } from './archive-config';
import { placementProblems } from './placement-problems';
import { reasonOf, StartUpError } from './start-up.error';
import { stripingProblems } from './striping-problems';
import { VaultaireConfig } from './vaultaire-config';

/**
 * The configuration of the file that `VAULTAIRE_CONFIG` names, or the defaults: one local driver in the data folder.
 *
 * @throws StartUpError with a line for every problem, each with the path of the field
 */
export function loadConfig(environment: Pick<Environment, 'configPath' | 'dataDir'>): VaultaireConfig {
  const { configPath, dataDir } = environment;
  const given = configPath === undefined ? {} : readYaml(configPath);
  try {
    return toConfig(given, dataDir, configPath === undefined ? dataDir : dirname(configPath));
  } catch (error) {
    if (!(error instanceof ConfigProblems)) throw error;
    const where = configPath ?? 'the configuration';
    throw new StartUpError(error.problems.map((problem) => `${where}: ${problem}`).join('\n'));
  }
}

class ConfigProblems extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

function readYaml(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new StartUpError(`The file ${path} of VAULTAIRE_CONFIG can't be read: ${reasonOf(error)}`, { cause: error });
  }
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    const firstLines = document.errors.map(
      (error) => `${path}: ${error.message.split('\n', 1).join('').replace(/:$/, '')}`,
    );
    throw new StartUpError(firstLines.join('\n'));
  }
  const content: unknown = document.toJS();
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) throw new StartUpError(`${path}: must be a map of fields`);
  return content;
}

function toConfig(given: object, dataDir: string, baseFolder: string): VaultaireConfig {
  const drivers: unknown =
    'drivers' in given ? given.drivers : [{ name: 'local', type: 'local', path: join(dataDir, 'blobs') }];
  const config = plainToInstance(
    VaultaireConfig,
    { ...given, placements: withDefault(given, nameOfFirst(drivers)), drivers },
    { exposeDefaultValues: true },
  );
  const errors = validateSync(config, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  const problems = errors.flatMap((error) => describe(error, ''));
  if (problems.length > 0) throw new ConfigProblems(problems);

  const resolved = config.drivers.map((driver) =>
    driver.type === 'local' ? Object.assign(driver, { path: resolve(baseFolder, driver.path) }) : driver,
  );
  const attachable = config.attachable.map((source) =>
    source.type === 'local' ? Object.assign(source, { path: resolve(baseFolder, source.path) }) : source,
  );
  const conflicts = [
    ...namingProblems(config),
    ...stripingProblems(config),
    ...sharedPathProblems(resolved),
    ...attachableProblems(resolved, attachable),
  ];
  if (conflicts.length > 0) throw new ConfigProblems(conflicts);
  return Object.assign(config, { drivers: resolved, attachable });
}

/** The placements of the file, with the first driver as the default one where it names none. */
function withDefault(given: object, driver: unknown): unknown {
  const placements: unknown = 'placements' in given ? given.placements : {};
  if (typeof placements !== 'object' || placements === null || Array.isArray(placements)) return placements;
  return { default: { driver }, ...placements };
}

/** The driver of the default placement where the file names none. */
function nameOfFirst(drivers: unknown): unknown {
  const first: unknown = Array.isArray(drivers) ? drivers[0] : undefined;
  return typeof first === 'object' && first !== null && 'name' in first ? first.name : 'local';
}

/** `drivers[0].path must be a string`: the validator's messages, with the whole path in place of the property. */
function describe(error: ValidationError, parent: string): string[] {
  const isIndex = /^\d+$/.test(error.property);
  const path = isIndex
    ? `${parent}[${error.property}]`
    : parent === ''
      ? error.property
      : `${parent}.${error.property}`;
  const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) => {
    if (constraint === 'whitelistValidation') return `${path} is not a known field`;
    if (constraint === 'nestedValidation' || constraint === 'unknownValue') return `${path} must be a map of fields`;
    return message.includes(error.property) ? message.replace(error.property, path) : `${path}: ${message}`;
  });
  return [...new Set(own), ...(error.children ?? []).flatMap((child) => describe(child, path))];
}

function namingProblems(config: VaultaireConfig): string[] {
  const names = config.drivers.map((driver) => driver.name);
  const taken = names.flatMap((name, index) =>
    names.indexOf(name) < index ? [`drivers[${index}].name: ${name} is taken by drivers[${names.indexOf(name)}]`] : [],
  );
  return [...taken, ...placementProblems(config), ...archiveProblems(config)];
}

/** A source has a name of its own, is of a kind that can be attached, and holds no blobs of ours. */
function attachableProblems(drivers: VaultaireConfig['drivers'], attachable: VaultaireConfig['attachable']): string[] {
  const taken = new Set(drivers.map(({ name }) => name));
  return attachable.flatMap((source, index) => {
    const where = `attachable[${index}]`;
    const problems = taken.has(source.name) ? [`${where}.name: ${source.name} is taken`] : [];
    taken.add(source.name);
    const kind: string = source.type;
    if (kind !== 'local' && kind !== 's3') problems.push(`${where}.type must be local or s3`);
    const path = source.type === 'local' ? realPath(source.path) : undefined;
    const isOurs = drivers.some((driver) => driver.type === 'local' && isShared(realPath(driver.path), path));
    return isOurs ? [...problems, `${where}.path: a driver uses the same folder`] : problems;
  });
}

/** Two drivers in one folder, or one inside the other's, would list and sweep each other's blobs. */
function sharedPathProblems(drivers: VaultaireConfig['drivers']): string[] {
  const paths = drivers.map((driver) => (driver.type === 'local' ? realPath(driver.path) : undefined));
  return paths.flatMap((path, index) => {
    const other = paths.findIndex((earlier, i) => i < index && isShared(earlier, path));
    return other === -1 ? [] : [`drivers[${index}].path: drivers[${other}] uses the same folder`];
  });
}

function isShared(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return isWithin(a, b) || isWithin(b, a);
}

function isWithin(folder: string, path: string): boolean {
  const steps = relative(folder, path);
  return steps === '' || (steps !== '..' && !/^\.\.[\\/]/.test(steps) && !/^([A-Za-z]:|\/)/.test(steps));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
