/* What a version to come tells of a server and of each connection, besides what this one does. */
#include "conn_image.h"
#include "lombard/conn/handover.h"

/* Types that no version has; a reader that does not know them passes over them. */
enum { OF_CONN = 60000, OF_SERVER = 60001 };

void __real_conn_image_write(const struct conn_image *conn, struct image *image);
void __wrap_conn_image_write(const struct conn_image *conn, struct image *image);
const char *__real_server_hand_over(struct server *server, struct handover *out);
const char *__wrap_server_hand_over(struct server *server, struct handover *out);

void
__wrap_conn_image_write(const struct conn_image *conn, struct image *image)
{
    image_put_number(image, OF_CONN | IMAGE_OPTIONAL, 1);
    __real_conn_image_write(conn, image);
    image_put_bytes(image, (OF_CONN + 1) | IMAGE_OPTIONAL, SLICE("a field that was added"));
}

const char *
__wrap_server_hand_over(struct server *server, struct handover *out)
{
    image_put_number(out->image, OF_SERVER | IMAGE_OPTIONAL, 1);
    return __real_server_hand_over(server, out);
}
