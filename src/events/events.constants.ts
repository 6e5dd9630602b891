/** In the data folder: a folder for each process of the gateway. */
export const SPOOL_FOLDER = 'event-spool';
