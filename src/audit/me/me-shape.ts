import { z } from 'zod';

export const meSchema = z
  .object({
    id: z.string(),
    metadata: z.record(z.string(), z.string()),
    groups: z.array(z.string()),
    role: z.enum(['member', 'auditor', 'admin']),
    may: z.object({
      readAll: z.boolean().meta({ description: 'Read everybody’s records, not only one’s own.' }),
      change: z.boolean().meta({ description: 'Reset keys, make and revoke tokens.' }),
    }),
  })
  .meta({ id: 'Me', description: 'Who the caller is and may do.' });

export type Me = z.infer<typeof meSchema>;
