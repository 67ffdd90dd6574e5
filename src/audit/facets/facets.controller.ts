import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import {
  facetQuerySchema,
  facetSchema,
  type Facet,
  type FacetAnswer,
  type FacetQuery,
} from './facet-shape.ts';
import { PrismaFacets } from './prisma-facets.ts';
import { scopeOf } from '../question/scope.ts';

@Controller('api/v1/facets')
@UseGuards(IdentityGuard)
export class FacetsController {
  constructor(private readonly facets: PrismaFacets) {}

  @Get(':facet')
  values(
    @CurrentCaller() caller: Caller,
    @Param('facet', { schema: facetSchema }) facet: Facet,
    @Query({ schema: facetQuerySchema }) query: FacetQuery,
  ): Promise<FacetAnswer> {
    return this.facets.values(scopeOf(caller), facet, query);
  }
}
