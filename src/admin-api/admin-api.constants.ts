/** Every route of the admin API begins with it, without the leading slash. */
export const ADMIN_API_PREFIX = 'api/v1';
