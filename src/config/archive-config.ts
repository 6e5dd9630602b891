import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsBoolean, IsInt, IsObject, Max, Min, ValidateNested } from 'class-validator';
import { S3_STORAGE_CLASSES } from './placement-config';
import type { VaultaireConfig } from './vaultaire-config';

const HOUR_SECONDS = 3_600;
const MAX_SECONDS = 90 * 24 * HOUR_SECONDS;

/** Seconds from a request to restore an artifact until it can be read, for each of S3's tiers. */
export class RestoreSecondsConfig {
  @IsInt()
  @Min(0)
  @Max(MAX_SECONDS)
  readonly expedited: number = 300;

  @IsInt()
  @Min(0)
  @Max(MAX_SECONDS)
  readonly standard: number = 4 * HOUR_SECONDS;

  @IsInt()
  @Min(0)
  @Max(MAX_SECONDS)
  readonly bulk: number = 12 * HOUR_SECONDS;
}

/** A storage class whose artifacts are read only after they were restored. */
export class ArchiveClassConfig {
  /** The drivers archive by themselves, and restores are asked of them. Else `restoreSeconds` says how long one takes. */
  @IsBoolean()
  readonly onDriver: boolean = false;

  @ValidateNested()
  @IsObject()
  @Type(() => RestoreSecondsConfig)
  readonly restoreSeconds: RestoreSecondsConfig = new RestoreSecondsConfig();
}

/** The map of archive classes, each as its class; anything else is left for the validator to refuse. */
export function ArchiveClassesByName(): PropertyDecorator {
  return Transform(({ value }: { readonly value: unknown }) =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : new Map(Object.entries(value).map(([name, given]: [string, unknown]) => [name, toArchiveClass(given)])),
  );
}

function toArchiveClass(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  return plainToInstance(ArchiveClassConfig, given, { exposeDefaultValues: true });
}

/** What contradicts itself, or names what there is not, in `archiveClasses`. One line each, with the path. */
export function archiveProblems(config: VaultaireConfig): string[] {
  const problems: string[] = [];
  for (const [name, { onDriver }] of config.archiveClasses) {
    const path = `archiveClasses.${name}`;
    const placement = config.placements.get(config.storageClasses[name] ?? 'default');
    if (!S3_STORAGE_CLASSES.has(name) && config.storageClasses[name] === undefined)
      problems.push(`${path}: there is no storage class named ${name}`);
    else if (name === 'STANDARD') problems.push(`${path}: what clients store without a class can be read at once`);
    if (!onDriver || placement === undefined) continue;
    const drivers = placement.drivers ?? (placement.driver === undefined ? [] : [placement.driver]);
    for (const driver of drivers) {
      const type = config.drivers.find((candidate) => candidate.name === driver)?.type;
      if (type !== undefined && type !== 's3') problems.push(`${path}.onDriver: the driver ${driver} does not archive`);
    }
  }
  return problems;
}
