/** The class of objects that were written without one; answers leave it out. */
export const DEFAULT_STORAGE_CLASS = 'STANDARD';
