mod played;
mod speed;
