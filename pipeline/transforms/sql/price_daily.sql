-- A row is the usual price of one commodity and grade on one market and day.
-- key: market, commodity, grade, day
-- part: year of day
-- column commodity: the house's name where an alias is known, else the source's
-- column low_cny_per_kg: CNY/kg
-- column price_cny_per_kg: CNY/kg, mean over the quotes that share the name
-- column high_cny_per_kg: CNY/kg
-- column quotes: how many quotes share the name
-- check: price_cny_per_kg > 0
-- not null: category
-- warn volume: at least 0.5 of before
-- What is sold by the piece has no price per kg and is left out; `unmapped_names` lists it.
with named as (
  select
    p.market,
    coalesce(a.name, g.name, p.commodity) as commodity,
    p.grade, p.day, p.category, p.low_cny_per_kg, p.price_cny_per_kg, p.high_cny_per_kg
  from market_prices p
  left join products g on g.product = p.commodity
  left join aliases a on a.alias = coalesce(g.name, p.commodity)
  where coalesce(g.sold_by, 'kg') = 'kg'
)
select
  market, commodity, grade, day,
  min(category) as category,
  min(low_cny_per_kg) as low_cny_per_kg,
  cast(avg(price_cny_per_kg) as decimal(18, 4)) as price_cny_per_kg,
  max(high_cny_per_kg) as high_cny_per_kg,
  count(*) as quotes
from named
group by market, commodity, grade, day
