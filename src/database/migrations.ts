import type { MigrationInterface } from 'typeorm';
import { Engine1700000000002 } from './migrations/1700000000002-engine';

/** Every migration, oldest first. The numbers in the class names decide the order. */
export const MIGRATIONS: readonly (new () => MigrationInterface)[] = [Engine1700000000002];
