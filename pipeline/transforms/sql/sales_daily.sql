-- A row is what one shop sold of one product through one channel on one day.
-- key: shop, product, channel, day
-- part: month of day
-- column commodity: the house's name where the item master or an alias knows it, else the shop's
-- column sold_kg: kg, pieces by their content; empty for pieces of unknown content
-- column sold_pieces: pieces; empty for what is sold by weight
-- column sales_cny: CNY, quantity times price
-- column lines: receipt lines
-- check: coalesce(sold_kg, sold_pieces) > 0
-- not null: commodity, category
-- accepted: channel in shop, online, group
-- warn volume: at least 0.5 of before
select
  s.shop, s.product, s.channel, s.day,
  min(coalesce(p.commodity, a.name, s.product_name)) as commodity,
  min(s.category) as category,
  cast(sum(coalesce(s.quantity_kg, s.quantity_pieces * p.piece_kg)) as decimal(18, 4)) as sold_kg,
  cast(sum(s.quantity_pieces) as decimal(18, 4)) as sold_pieces,
  cast(sum(coalesce(s.quantity_kg * s.price_cny_per_kg, s.quantity_pieces * s.price_cny_per_piece)) as decimal(18, 2)) as sales_cny,
  cast(sum(coalesce(s.till_lines, 1)) as bigint) as lines
from sales s
left join products p on p.product = s.product
left join aliases a on a.alias = s.product_name
group by s.shop, s.product, s.channel, s.day
