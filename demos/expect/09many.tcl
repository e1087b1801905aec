# 09many.tcl -- many connections at once
#
#	pyosslsh 09many.tcl ?COUNT?
#
#	One script, one server and COUNT clients (20): all handshakes go on side by
#	side, one expect serves whoever has something to say.

log_user 0
set count [expr {$argc ? [lindex $argv 0] : 20}]
if {$argc > 1 || ![string is integer -strict $count] || $count < 1} {
    puts stderr "usage: pyosslsh 09many.tcl ?COUNT?"
    exit 2
}
set listener [spawn server]
set clients {}
for {set i 0} {$i < $count} {incr i} {
    lappend clients [spawn client 127.0.0.1 [endpoint $listener port]]
    send "client $i\n"
}
set answered 0
set served {}
# The variable is read again whenever it changes: the new ones are waited for.
expect -i $listener -accept {
    lappend served $expect_out(spawn_id)
    exp_continue
} -i served -re {client (\d+)\n} {
    send -i $expect_out(spawn_id) "hello $expect_out(1,string)\n"
    exp_continue
} -i $clients -re {hello \d+\n} {
    if {[incr answered] < $count} {
	exp_continue
    }
} timeout {
    puts "$answered of $count were answered"
    exit 1
}
puts "$answered clients were answered over [endpoint [lindex $clients 0] protocol]"
