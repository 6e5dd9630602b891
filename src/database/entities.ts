/** Every TypeORM entity of the gateway, by name: no globs, so that a missing one fails at compile time. */
export const ENTITIES: readonly (new () => object)[] = [];
