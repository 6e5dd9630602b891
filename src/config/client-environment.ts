/**
 * What the command line takes from the environment. Unlike `Environment` it makes no folder and no key, and does not care for
 * the settings of a server that may be elsewhere.
 */
export interface ClientEnvironment {
  /** Not checked yet. */
  readonly adminUrl: string;
  /** Not checked yet. */
  readonly adminToken: string | undefined;
}

/** An empty variable counts as absent. */
export function clientEnvironment(variables: Readonly<Record<string, string | undefined>>): ClientEnvironment {
  const read = (name: string): string | undefined => variables[name]?.trim() || undefined;
  return {
    adminUrl: read('VAULTAIRE_ADMIN_URL') ?? `http://127.0.0.1:${read('VAULTAIRE_ADMIN_PORT') ?? '8081'}`,
    adminToken: read('VAULTAIRE_ADMIN_TOKEN'),
  };
}
