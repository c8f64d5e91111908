/** The configuration of whoever sets nothing, as JSON; the build writes its value into the bundled program. */
import { configSchema } from './schema.ts';

export const defaultsJson = JSON.stringify(configSchema.parse({}));
