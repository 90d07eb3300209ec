-- A row is what one shop sold of one product through one channel on one day.
-- key: shop, product, channel, day
-- column commodity: the house's name where an alias is known, else the shop's
-- column sold_kg: kg; empty for what is sold by the piece
-- column sold_pieces: pieces; empty for what is sold by weight
-- column sales_cny: CNY, quantity times price
-- check: coalesce(sold_kg, sold_pieces) > 0
select
  s.shop, s.product, s.channel, s.day,
  min(coalesce(a.name, s.product_name)) as commodity,
  min(s.category) as category,
  cast(sum(s.quantity_kg) as decimal(18, 4)) as sold_kg,
  cast(sum(s.quantity_pieces) as decimal(18, 4)) as sold_pieces,
  cast(sum(coalesce(s.quantity_kg * s.price_cny_per_kg, s.quantity_pieces * s.price_cny_per_piece)) as decimal(18, 2)) as sales_cny
from sales s
left join aliases a on a.alias = s.product_name
group by s.shop, s.product, s.channel, s.day
