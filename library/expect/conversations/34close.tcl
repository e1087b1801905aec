# 34close.tcl --
#
#	How connections end.

family Close server {close_notify, truncation, half close, what comes behind}

foreach {letter version} {B TLSv1.3 C TLSv1.2} {
    conversation Close-Notify-1$letter \
	"close_notify is answered with the same, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	keyed
	send -shutdown
	if {[over] ne "clean"} {
	    fail "it closed without close_notify"
	}
    }
    conversation Close-Notify-2$letter \
	"data, and close_notify at once: the data are answered, in $version" \
	-versions $version -source {RFC 8446, 6.1} {
	keyed
	send "GET / HTTP/1.0\r\n\r\n"
	send -shutdown
	expect -timeout $timeout -re .+ {
	} -alert fatal * -from peer {
	    fail "the alert [lindex $expect_out(alert) 1] came"
	} -closed * {
	    fail "it closed without an answer"
	} timeout {
	    fail "no answer"
	}
    }
    conversation Close-Notify-3$letter \
	"close_notify of the level fatal, in $version" \
	-versions $version -source {RFC 8446, 6.1} {
	keyed
	send -protected 1 -alert fatal close_notify
	over
    }
    conversation Close-Behind-1$letter \
	"data behind close_notify are passed over, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	keyed
	send -shutdown
	send -protected 1 -record application_data TLSv1.2 \
	    "GET / HTTP/1.0\r\n\r\n"
	over
    }
    conversation Close-Behind-2$letter \
	"nonsense behind close_notify is passed over, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	keyed
	send -shutdown
	send -bytes [string repeat x 100]
	over
    }
    conversation Close-End-1$letter \
	"the end of the transport without close_notify, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	keyed
	send -eof
	over
    }
    conversation Close-End-2$letter \
	"the end of the transport within a record, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	keyed
	send -bytes \x17\x03\x03\x00\x40abc
	send -eof
	over
    }
    conversation Close-Early-1$letter \
	"close_notify before the Finished, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	with instead Finished {{alert \x01\x00}}
	over
    }
    conversation Close-Early-2$letter \
	"the end of the transport behind the ServerHello, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	greet
	answered
	send -eof
	closes
    }
    conversation Close-Early-3$letter \
	"close_notify in the clear behind the ServerHello, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	greet
	answered
	send -alert warning close_notify
	closes
    }
    conversation Close-Reset-1$letter \
	"a reset: others are served afterwards, in $version" \
	-versions $version -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
	keyed
	send -reset
	unset spawn_id
	keyed
	alive
    }
}
unset letter version

conversation Close-Early-4 {close_notify in the place of the ClientHello} \
    -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
    dial
    send -alert warning close_notify
    closes
    quiet handshake
}
conversation Close-Early-5 {the end within the ClientHello} \
    -source {RFC 8446, 6.1; RFC 5246, 7.2.1} {
    dial
    send -bytes [string range [::pyossl::expect::record::build handshake TLSv1 \
	[encode ClientHello [hello]]] 0 99]
    send -eof
    closes
    quiet application_data
}

# The last of all, since some servers are long occupied with it.
conversation KeyUpdate-Flood-1 {twenty, of which each asks for another} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3} {
    keyed
    for {set i 0} {$i < 20} {incr i} {
	send -protected 1 -handshake KeyUpdate \
	    {request_update update_requested}
    }
    alive
}
