/** What is wrong with the environment or the arguments, and what to do. */
export class ConfigError extends Error {}
